/** A process of its own that opens the store argv[2] with the key argv[3] and waits to be killed. Says "open" first. */
import { openStore } from '../../main/sqlite/store.ts'

const [, , file = '', key = ''] = process.argv
openStore({ file, key: Buffer.from(key, 'hex') })
process.stdout.write('open\n')
setInterval(() => undefined, 60_000)
