// Uploads a file with tus-js-client, the way the first argument says: node upload.mjs WAY ENDPOINT KEY FILE NAME SEED
import fs from 'node:fs'
import { PassThrough } from 'node:stream'
import * as tus from 'tus-js-client'

const [way, endpoint, key, file, name, seed] = process.argv.slice(2)
const size = fs.statSync(file).size

// Reproducible: the test says which numbers.
let state = Number(seed)
const random = (below) => {
  state = (state * 1103515245 + 12345) % 2147483648
  return state % below
}

const ways = {
  single: {},
  chunked: { chunkSize: 300_000 },
  parallel: { parallelUploads: 4 },
  chunkedParallel: { parallelUploads: 3, chunkSize: 300_000, metadataForPartialUploads: { filename: name } },
  withCreation: { uploadDataDuringCreation: true },
  deferred: { uploadLengthDeferred: true, chunkSize: 300_000 },
  aborted: {},
  abortedChunked: { chunkSize: 300_000 },
}

// Breaks off at random offsets, and goes on with the same object, or with a new one that knows nothing but the address, as after a restart of the client.
const breaks = way.startsWith('aborted') ? 6 : 0
let broken = 0

// Of a stream nobody knows the length before its end; a file's the client would know.
const open = () => (way === 'deferred' ? fs.createReadStream(file).pipe(new PassThrough()) : fs.createReadStream(file))

function begin(uploadUrl) {
  return new Promise((resolve, reject) => {
    let breakAt = broken < breaks ? 1 + random(size - 1) : Infinity
    let breaking = false
    const upload = new tus.Upload(open(), {
      endpoint,
      uploadUrl,
      headers: { Authorization: `Bearer ${key}` },
      metadata: { filename: name, filetype: 'video/mp4' },
      retryDelays: [0, 200, 500, 1000, 2000, 4000],
      ...ways[way],
      onProgress(sent) {
        if (sent < breakAt || breaking) return
        breaking = true
        broken++
        upload.abort().then(() => {
          if (random(2) === 0) return begin(upload.url).then(resolve, reject)
          breakAt = broken < breaks ? 1 + random(size - 1) : Infinity
          breaking = false
          upload.start()
        }, reject)
      },
      onSuccess: () => resolve(),
      onError: reject,
    })
    upload.start()
  })
}

try {
  await begin()
  console.log(`stored after ${broken} breaks`)
} catch (error) {
  console.error(String(error))
  process.exit(1)
}
