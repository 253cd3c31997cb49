import { run } from 'node:test'
import { globSync } from 'node:fs'
const files = globSync('/tmp/wt/fuzz/test/{mls,crypto,interop}/**/*.test.ts')
const stream = run({ files, concurrency: 1 })
const out: any[] = []
stream.on('test:pass', (d: any) => out.push([d.file, d.nesting, d.name, 'pass', d.skip]))
stream.on('test:fail', (d: any) => out.push([d.file, d.nesting, d.name, 'FAIL']))
for await (const _ of stream);
for (const o of out) console.log(JSON.stringify(o))
