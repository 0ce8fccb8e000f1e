// Runs before anything is painted: light or dark, as chosen or as the system has it; and what may be chosen before anybody has signed in.
(() => {
  const cookie = name => document.cookie.split('; ').find(part => part.startsWith(name + '='))?.slice(name.length + 1);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const shade = cookie('mdfs-shade');
    document.documentElement.dataset.shade = shade === 'light' || shade === 'dark' ? shade : dark.matches ? 'dark' : 'light';
  };
  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict${location.protocol === 'https:' ? '; secure' : ''}`;
  };
  apply();
  dark.addEventListener('change', apply);
  document.addEventListener('click', event => {
    const language = event.target.closest?.('[data-language]')?.dataset.language;
    if (!language) return;
    keep('mdfs-language', language);
    // By its address, not by sending a form once more.
    location.replace(location.pathname + location.search);
  });
  window.mdfsConsole = {
    facts: () => ({ dark: dark.matches, shade: cookie('mdfs-shade') ?? 'system', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? '' }),
    watchShade: layout => dark.addEventListener('change', () => layout.invokeMethodAsync('SystemShade', dark.matches).catch(() => { })),
    save: async (name, type, content) => {
      const address = URL.createObjectURL(new Blob([await content.arrayBuffer()], { type }));
      const link = Object.assign(document.createElement('a'), { href: address, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    },
    send: form => document.getElementById(form).submit(),
    keepShade: shade => { keep('mdfs-shade', shade); apply(); },
  };
})();
