// A system that is as unkind to a process as POSIX allows (UnkindSystem.cs says how it is used). Preloaded into one process:
//
//   - What it writes below UNKIND_ROOT and does not fsync is lost when the power fails: bytes, sizes, and names (creations, renames, removals) whose directory was not fsynced. The process itself sees
//     its writes at once, as it would from the page cache. What stood there before is noted in UNKIND_JOURNAL; when a file UNKIND_JOURNAL.lost lies beside it at the next start, all that was
//     not made durable is taken back before main() runs. Removed files wait in UNKIND_LIMBO, on the same file system. Every ten seconds everything becomes durable, as a kernel writes back by itself.
//   - An fsync of a file of which UNKIND_SYNC tells fails: "ERRNO PART", the number of the error and a part of the file's path.
//   - Its wall clock is off by the nanoseconds that stand in the file UNKIND_CLOCK, at every moment.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// By the calls that every architecture has.
#define SYSTEM_OPEN(path, flags) syscall(SYS_openat, AT_FDCWD, path, flags, 0600)
#define SYSTEM_LINK(from, to) syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)
#define SYSTEM_UNLINK(path) syscall(SYS_unlinkat, AT_FDCWD, path, 0)

#define FDS 65536
#define WRITE_BACK_SECONDS 10
#define REAL(name) ((__typeof__(&name))real(#name))
#define PUBLIC __attribute__((visibility("default")))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX], limbo[PATH_MAX], self[PATH_MAX], sync_trouble[PATH_MAX];
static size_t root_length;
static int journal = -1;
static volatile int64_t *clock_offset;
static unsigned char ours[FDS];
static time_t written_back;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) { fprintf(stderr, "unkind: %s is not there\n", name); abort(); }
    return found;
}

// ---- what is not durable yet

struct record { char kind; int32_t first, second; uint64_t a, b, c; };

struct dirty { ino_t file; off_t durable; struct dirty *next; };
struct pending { ino_t directory; char limbo[64]; struct pending *next; };
static struct dirty *dirty;
static struct pending *pending;

static void put(char kind, uint64_t a, uint64_t b, uint64_t c, const void *first, size_t first_length, const void *second, size_t second_length) {
    struct record record = { kind, (int32_t)first_length, (int32_t)second_length, a, b, c };
    struct iovec parts[3] = { { &record, sizeof record }, { (void *)first, first_length }, { (void *)second, second_length } };
    size_t length = sizeof record + first_length + second_length;
    ssize_t done = syscall(SYS_writev, journal, parts, 3);
    if (done != (ssize_t)length) { fprintf(stderr, "unkind: the journal cannot be written\n"); abort(); }
}

static void write_back(void) {
    while (dirty) { struct dirty *next = dirty->next; free(dirty); dirty = next; }
    while (pending) {
        struct pending *next = pending->next;
        if (pending->limbo[0]) { char path[PATH_MAX + 80]; snprintf(path, sizeof path, "%s/%s", limbo, pending->limbo); SYSTEM_UNLINK(path); }
        free(pending);
        pending = next;
    }
    syscall(SYS_ftruncate, journal, 0);
    syscall(SYS_lseek, journal, 0, SEEK_SET);
}

static time_t monotonic(void) { struct timespec now; syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now); return now.tv_sec; }

static void enter(void) {
    pthread_mutex_lock(&turn);
    time_t now = monotonic();
    if (now - written_back > WRITE_BACK_SECONDS) { write_back(); written_back = now; }
}

static void leave(void) { int error = errno; pthread_mutex_unlock(&turn); errno = error; }

static int below_root(const char *path) {
    return journal >= 0 && path[0] == '/' && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int is_ours(int fd) { return journal >= 0 && fd >= 0 && fd < FDS && ours[fd]; }

static ino_t inode(const char *path) { struct stat is; return lstat(path, &is) == 0 ? is.st_ino : 0; }

static ino_t directory_of(const char *path) {
    char above[PATH_MAX];
    snprintf(above, sizeof above, "%s", path);
    char *slash = strrchr(above, '/');
    if (!slash || slash == above) return 0;
    *slash = 0;
    return inode(above);
}

static void synced(ino_t file) {
    for (struct dirty **at = &dirty; *at; at = &(*at)->next) {
        if ((*at)->file != file) continue;
        struct dirty *gone = *at;
        *at = gone->next;
        free(gone);
        put('S', file, 0, 0, NULL, 0, NULL, 0);
        return;
    }
}

static void synced_directory(ino_t directory) {
    put('D', directory, 0, 0, NULL, 0, NULL, 0);
    for (struct pending **at = &pending; *at;) {
        struct pending *one = *at;
        if (one->directory != directory) { at = &one->next; continue; }
        *at = one->next;
        if (one->limbo[0]) {
            char path[PATH_MAX + 80];
            struct stat is;
            snprintf(path, sizeof path, "%s/%s", limbo, one->limbo);
            // Its number may be another file's from now on.
            if (lstat(path, &is) == 0 && is.st_nlink == 1) synced(is.st_ino);
            SYSTEM_UNLINK(path);
        }
        free(one);
    }
}

// Keeps a file that is about to lose its name; an empty name when there is none.
static void keep(const char *path, char name[64]) {
    static unsigned long counter;
    char kept[PATH_MAX + 80];
    snprintf(name, 64, "%d-%lu", (int)getpid(), ++counter);
    snprintf(kept, sizeof kept, "%s/%s", limbo, name);
    if (SYSTEM_LINK(path, kept) != 0) name[0] = 0;
}

static void remember(ino_t directory, const char *kept) {
    struct pending *one = malloc(sizeof *one);
    one->directory = directory;
    snprintf(one->limbo, sizeof one->limbo, "%s", kept);
    one->next = pending;
    pending = one;
}

// Before bytes from `from` on, `length` of them, are changed, or the size is.
static void touch(int fd, off_t from, off_t length) {
    struct stat is;
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) return;
    struct dirty *one = dirty;
    while (one && one->file != is.st_ino) one = one->next;
    if (!one) {
        one = malloc(sizeof *one);
        one->file = is.st_ino;
        one->durable = is.st_size;
        one->next = dirty;
        dirty = one;
        put('Z', is.st_ino, is.st_size, 0, NULL, 0, NULL, 0);
    }
    off_t end = from + length < one->durable ? from + length : one->durable;
    if (end > is.st_size) end = is.st_size;
    if (from >= end) return;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = SYSTEM_OPEN(path, O_RDONLY | O_CLOEXEC);
    if (reading < 0) return;
    char *old = malloc(end - from);
    ssize_t got = syscall(SYS_pread64, reading, old, end - from, from);
    if (got > 0) put('W', is.st_ino, from, 0, old, got, NULL, 0);
    free(old);
    syscall(SYS_close, reading);
}

// ---- taking back

static ino_t wanted_inode;
static char found_path[PATH_MAX];

static int look(const char *path, const struct stat *is, int type, struct FTW *at) {
    (void)type; (void)at;
    if (is->st_ino != wanted_inode || !S_ISREG(is->st_mode)) return 0;
    snprintf(found_path, sizeof found_path, "%s", path);
    return 1;
}

static int find(ino_t file) { wanted_inode = file; return nftw(root, look, 16, FTW_PHYS) == 1; }

static void take_back(int from) {
    struct stat is;
    if (fstat(from, &is) != 0 || is.st_size == 0) return;
    char *all = malloc(is.st_size);
    ssize_t length = syscall(SYS_pread64, from, all, is.st_size, 0);
    size_t count = 0, capacity = 1024, undone = 0;
    struct record **records = malloc(capacity * sizeof *records);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct record) <= length;) {
        struct record *record = (struct record *)(all + at);
        if (count == capacity) records = realloc(records, (capacity *= 2) * sizeof *records);
        records[count++] = record;
        at += sizeof *record + record->first + record->second;
    }
    // Names first, the latest first.
    for (size_t i = count; i-- > 0;) {
        struct record record;
        memcpy(&record, records[i], sizeof record);
        if (record.kind != 'C' && record.kind != 'R' && record.kind != 'U') continue;
        int durable = 0;
        for (size_t j = i + 1; j < count && !durable; j++) {
            struct record later;
            memcpy(&later, records[j], sizeof later);
            // Either directory: no file system splits a rename.
            durable = later.kind == 'D' && (later.a == record.a || (record.kind == 'R' && later.a == record.c));
        }
        if (durable) continue;
        char one[PATH_MAX] = "", other[PATH_MAX] = "", kept[PATH_MAX * 2];
        char *text = (char *)records[i] + sizeof record;
        memcpy(one, text, record.first);
        memcpy(other, text + record.first, record.second);
        undone++;
        switch (record.kind) {
            case 'C': // one: path
                if (inode(one) == record.b) SYSTEM_UNLINK(one);
                break;
            case 'U': // one: path, other: limbo
                snprintf(kept, sizeof kept, "%s/%s", limbo, other);
                if (inode(one) == 0) SYSTEM_LINK(kept, one);
                break;
            case 'R': { // one: from NUL to, other: limbo of what was there before
                char *to = one + strlen(one) + 1;
                if (inode(to) == record.b) syscall(SYS_renameat2, AT_FDCWD, to, AT_FDCWD, one, 0);
                snprintf(kept, sizeof kept, "%s/%s", limbo, other);
                if (other[0] && inode(to) == 0) SYSTEM_LINK(kept, to);
                break;
            }
        }
    }
    // Then bytes, the latest first; the size comes last.
    for (size_t i = count; i-- > 0;) {
        struct record record;
        memcpy(&record, records[i], sizeof record);
        if (record.kind != 'Z' && record.kind != 'W') continue;
        int durable = 0;
        for (size_t j = i + 1; j < count && !durable; j++) {
            struct record later;
            memcpy(&later, records[j], sizeof later);
            durable = later.kind == 'S' && later.a == record.a;
        }
        if (durable || !find(record.a)) continue;
        int file = SYSTEM_OPEN(found_path, O_WRONLY | O_CLOEXEC);
        if (file < 0) continue;
        undone++;
        if (record.kind == 'W') syscall(SYS_pwrite64, file, (char *)records[i] + sizeof record, (size_t)record.first, (off_t)record.b);
        else syscall(SYS_ftruncate, file, (off_t)record.b);
        syscall(SYS_close, file);
    }
    fprintf(stderr, "unkind: the power failed; %zu of %zu notes taken back\n", undone, count);
    free(records);
    free(all);
}

static void forget_all(int notes) {
    syscall(SYS_ftruncate, notes, 0);
    DIR *directory = opendir(limbo);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[PATH_MAX * 2];
        snprintf(path, sizeof path, "%s/%s", limbo, entry->d_name);
        if (entry->d_name[0] != '.') SYSTEM_UNLINK(path);
    }
    if (directory) closedir(directory);
}

__attribute__((constructor)) static void begin(void) {
    const char *clock_file = getenv("UNKIND_CLOCK"), *below = getenv("UNKIND_ROOT"), *beside = getenv("UNKIND_LIMBO"), *notes = getenv("UNKIND_JOURNAL");
    Dl_info info;
    if (dladdr((void *)begin, &info) && info.dli_fname) snprintf(self, sizeof self, "%s", info.dli_fname);
    if (clock_file) {
        int fd = SYSTEM_OPEN(clock_file, O_RDONLY | O_CLOEXEC);
        void *page = fd >= 0 ? mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
        if (page != MAP_FAILED) clock_offset = page;
        if (fd >= 0) syscall(SYS_close, fd);
    }
    if (getenv("UNKIND_SYNC")) snprintf(sync_trouble, sizeof sync_trouble, "%s", getenv("UNKIND_SYNC"));
    if (!below || !beside || !notes) return;
    snprintf(root, sizeof root, "%s", below);
    snprintf(limbo, sizeof limbo, "%s", beside);
    root_length = strlen(root);
    char lost[PATH_MAX + 8];
    snprintf(lost, sizeof lost, "%s.lost", notes);
    int fd = SYSTEM_OPEN(notes, O_RDWR | O_CREAT | O_CLOEXEC);
    if (fd < 0) { fprintf(stderr, "unkind: there is no journal %s\n", notes); abort(); }
    if (syscall(SYS_faccessat, AT_FDCWD, lost, F_OK) == 0) { take_back(fd); SYSTEM_UNLINK(lost); }
    // A test of this system goes on with the notes of the process before.
    if (getenv("UNKIND_GO_ON")) syscall(SYS_lseek, fd, 0, SEEK_END);
    else forget_all(fd);
    written_back = monotonic();
    journal = fd;
    unsetenv("LD_PRELOAD");
}

// ---- files

static void full_path(const char *path, char full[PATH_MAX]) {
    if (path[0] == '/' || !getcwd(full, PATH_MAX)) { snprintf(full, PATH_MAX, "%s", path); return; }
    size_t length = strlen(full);
    snprintf(full + length, PATH_MAX - length, "/%s", path);
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX] = "";
    if (at == AT_FDCWD || path[0] == '/') full_path(path, full);
    if (!below_root(full)) {
        // Not under the lock: whoever opens a pipe waits for its other end.
        int fd = syscall(SYS_openat, at, path, flags, mode);
        // A second handle for a file that is open, by its number.
        int of = -1;
        if (fd >= 0 && fd < FDS) ours[fd] = sscanf(full, "/proc/self/fd/%d", &of) == 1 && is_ours(of);
        return fd;
    }
    enter();
    struct stat is;
    int existed = stat(full, &is) == 0;
    if (existed && (flags & O_TRUNC) && S_ISREG(is.st_mode) && is.st_size > 0 && (flags & O_ACCMODE) != O_RDONLY) {
        int before = syscall(SYS_openat, AT_FDCWD, full, O_WRONLY | O_CLOEXEC, 0);
        if (before >= 0) { touch(before, 0, is.st_size); syscall(SYS_close, before); }
    }
    int fd = syscall(SYS_openat, at, path, flags, mode);
    int error = errno;
    if (fd >= 0 && fd < FDS) {
        ours[fd] = 1;
        if ((flags & O_CREAT) && !existed) {
            ino_t directory = directory_of(full);
            put('C', directory, inode(full), 0, full, strlen(full) + 1, NULL, 0);
            remember(directory, "");
        }
    }
    errno = error;
    leave();
    return fd;
}

#define MODE_OF(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
PUBLIC int open(const char *path, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, path, flags, mode); }
PUBLIC int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, path, flags, mode); }
PUBLIC int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_at(at, path, flags, mode); }
PUBLIC int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_at(at, path, flags, mode); }
PUBLIC int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

PUBLIC int close(int fd) {
    if (fd >= 0 && fd < FDS && journal >= 0 && fd != journal) ours[fd] = 0;
    return REAL(close)(fd);
}

PUBLIC int dup2(int old, int new) {
    int fd = REAL(dup2)(old, new);
    if (fd >= 0 && fd < FDS && old >= 0 && old < FDS) ours[fd] = ours[old];
    return fd;
}

static off_t place(int fd) {
    struct stat is;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &is) == 0) return is.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

#define CHANGING(fd, from, length, call) \
    if (!is_ours(fd)) return call; \
    enter(); \
    touch(fd, from, length); \
    __typeof__(call) result = call; \
    leave(); \
    return result;

static size_t total(const struct iovec *parts, int count) { size_t all = 0; for (int i = 0; i < count; i++) all += parts[i].iov_len; return all; }

PUBLIC ssize_t write(int fd, const void *bytes, size_t length) { CHANGING(fd, place(fd), length, syscall(SYS_write, fd, bytes, length)) }
PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { CHANGING(fd, at, length, REAL(pwrite)(fd, bytes, length, at)) }
PUBLIC ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { CHANGING(fd, at, length, REAL(pwrite64)(fd, bytes, length, at)) }
PUBLIC ssize_t writev(int fd, const struct iovec *parts, int count) { CHANGING(fd, place(fd), total(parts, count), REAL(writev)(fd, parts, count)) }
PUBLIC ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { CHANGING(fd, at, total(parts, count), REAL(pwritev)(fd, parts, count, at)) }
PUBLIC ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { CHANGING(fd, at, total(parts, count), REAL(pwritev64)(fd, parts, count, at)) }
PUBLIC int ftruncate(int fd, off_t size) { CHANGING(fd, size, LONG_MAX - size, REAL(ftruncate)(fd, size)) }
PUBLIC int ftruncate64(int fd, off64_t size) { CHANGING(fd, size, LONG_MAX - size, REAL(ftruncate64)(fd, size)) }
PUBLIC int fallocate(int fd, int mode, off_t from, off_t length) { CHANGING(fd, from, length, REAL(fallocate)(fd, mode, from, length)) }
PUBLIC int fallocate64(int fd, int mode, off64_t from, off64_t length) { CHANGING(fd, from, length, REAL(fallocate64)(fd, mode, from, length)) }
PUBLIC int posix_fallocate(int fd, off_t from, off_t length) { CHANGING(fd, from, length, REAL(posix_fallocate)(fd, from, length)) }
PUBLIC int posix_fallocate64(int fd, off64_t from, off64_t length) { CHANGING(fd, from, length, REAL(posix_fallocate64)(fd, from, length)) }
PUBLIC ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t length, unsigned flags) {
    CHANGING(out, out_at ? *out_at : place(out), length, REAL(copy_file_range)(in, in_at, out, out_at, length, flags))
}
PUBLIC ssize_t sendfile(int out, int in, off_t *at, size_t length) {
    ssize_t (*next)(int, int, off_t *, size_t) = real("sendfile");
    CHANGING(out, place(out), length, next(out, in, at, length))
}
PUBLIC ssize_t sendfile64(int out, int in, off64_t *at, size_t length) {
    ssize_t (*next)(int, int, off64_t *, size_t) = real("sendfile64");
    CHANGING(out, place(out), length, next(out, in, at, length))
}

// The machine itself does not lose power: what is noted as durable needs no disk.
static int sync_file(int fd) {
    struct stat is;
    enter();
    if (fstat(fd, &is) == 0) {
        if (S_ISDIR(is.st_mode)) synced_directory(is.st_ino);
        else synced(is.st_ino);
    }
    leave();
    return 0;
}

// Whether this one is to fail, and with what: errno is set then.
static int sync_fails(int fd) {
    char told[PATH_MAX], link[64], path[PATH_MAX];
    int file = sync_trouble[0] ? SYSTEM_OPEN(sync_trouble, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t length = syscall(SYS_read, file, told, sizeof told - 1);
    syscall(SYS_close, file);
    if (length <= 0) return 0;
    told[length] = 0;
    char *part;
    long error = strtol(told, &part, 10);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0 || *part != ' ') return 0;
    path[length] = 0;
    if (!strstr(path, part + 1)) return 0;
    errno = (int)error;
    return 1;
}

PUBLIC int fsync(int fd) { return sync_fails(fd) ? -1 : is_ours(fd) ? sync_file(fd) : REAL(fsync)(fd); }
PUBLIC int fdatasync(int fd) { return sync_fails(fd) ? -1 : is_ours(fd) ? sync_file(fd) : REAL(fdatasync)(fd); }

// ---- names

static int rename_to(const char *from_given, const char *to_given, unsigned flags) {
    char from[PATH_MAX], to[PATH_MAX], names[PATH_MAX * 2], kept[64] = "";
    full_path(from_given, from);
    full_path(to_given, to);
    if (!below_root(to) || !below_root(from)) return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    enter();
    ino_t file = inode(from), directory = directory_of(to), left = directory_of(from);
    if (!(flags & RENAME_NOREPLACE) && inode(to)) keep(to, kept);
    int result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    if (result == 0) {
        size_t length = strlen(from) + 1;
        memcpy(names, from, length);
        memcpy(names + length, to, strlen(to) + 1);
        put('R', directory, file, left, names, length + strlen(to) + 1, kept, strlen(kept) + 1);
        remember(directory, kept);
    }
    leave();
    return result;
}

PUBLIC int rename(const char *from, const char *to) { return rename_to(from, to, 0); }
PUBLIC int renameat(int from_at, const char *from, int to_at, const char *to) {
    return from_at == AT_FDCWD && to_at == AT_FDCWD ? rename_to(from, to, 0) : REAL(renameat)(from_at, from, to_at, to);
}
PUBLIC int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return from_at == AT_FDCWD && to_at == AT_FDCWD ? rename_to(from, to, flags) : REAL(renameat2)(from_at, from, to_at, to, flags);
}

PUBLIC int link(const char *from, const char *to_given) {
    char to[PATH_MAX];
    full_path(to_given, to);
    if (!below_root(to)) return REAL(link)(from, to_given);
    enter();
    int result = SYSTEM_LINK(from, to);
    if (result == 0) {
        ino_t directory = directory_of(to);
        put('C', directory, inode(to), 0, to, strlen(to) + 1, NULL, 0);
        remember(directory, "");
    }
    leave();
    return result;
}

PUBLIC int unlink(const char *given) {
    char path[PATH_MAX], kept[64] = "";
    full_path(given, path);
    if (!below_root(path)) return REAL(unlink)(given);
    enter();
    ino_t directory = directory_of(path);
    if (inode(path)) keep(path, kept);
    int result = SYSTEM_UNLINK(path);
    int error = errno;
    if (result == 0) {
        put('U', directory, 0, 0, path, strlen(path) + 1, kept, strlen(kept) + 1);
        remember(directory, kept);
    }
    errno = error;
    leave();
    return result;
}

PUBLIC int unlinkat(int at, const char *path, int flags) {
    return at == AT_FDCWD && !(flags & AT_REMOVEDIR) ? unlink(path) : REAL(unlinkat)(at, path, flags);
}

// .NET takes functions of the C library by its name, past what is preloaded: it gets this library, which has the rest from there.
PUBLIC void *dlopen(const char *name, int mode) {
    void *(*next)(const char *, int) = real("dlopen");
    return next(name && self[0] && (strcmp(name, "libc.so.6") == 0 || strcmp(name, "libc") == 0) ? self : name, mode);
}

// ---- time

PUBLIC int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next ? next(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock_offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t offset = *clock_offset;
        time->tv_sec += offset / 1000000000;
        time->tv_nsec += offset % 1000000000;
        if (time->tv_nsec >= 1000000000) { time->tv_sec++; time->tv_nsec -= 1000000000; }
        if (time->tv_nsec < 0) { time->tv_sec--; time->tv_nsec += 1000000000; }
    }
    return result;
}

PUBLIC int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

PUBLIC time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
