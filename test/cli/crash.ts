import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { crash, type Report } from '../crash/run.ts'

// `npm run crash -- --runs 1000 --seed S`: kills real processes of ten people who talk and change their groups, before
// and after their writes, appends and reads; then everybody is started again, and what each has is compared with what
// was said. Exit code 1: something was lost, doubled or unreadable, a group is apart, or a bug was reported.

const { values } = parseArgs({ options: {
  runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: String(randomInt(2 ** 32)) },
} })

function print(report: Report): void {
  console.log(`\n${'kills at'.padEnd(22)}${'before'.padStart(8)}${'after'.padStart(8)}`)
  for (const [point, { before, after }] of report.killedAt) {
    console.log(`${point.padEnd(22)}${String(before).padStart(8)}${String(after).padStart(8)}`)
  }
  console.log(`${'anywhere'.padEnd(22)}${String(report.anywhere).padStart(8)}`)
  const operations = Object.entries(report.operations).sort(([, a], [, b]) => b - a)
  console.log(`\noperations: ${operations.map(([kind, amount]) => `${kind} ${amount}`).join(', ')}`)
  const rows = {
    kills: report.kills, epochs: report.epochs, messages: report.messages, 'due to somebody': report.deliveries,
    lost: report.lost, doubled: report.doubled, unreadable: report.unreadable, 'groups apart': report.apart,
    findings: report.findings.length, seconds: report.seconds,
  }
  for (const [row, amount] of Object.entries(rows)) console.log(`${row.padEnd(22)}${String(amount).padStart(8)}`)
}

console.log(`Seed ${values.seed}`)
const report = await crash({
  runs: Number(values.runs), seed: values.seed,
  onProgress: ({ kills, doing }) => { console.log(`${String(kills).padStart(5)} of ${values.runs} kills: ${doing}`) },
})
print(report)
for (const finding of report.findings.slice(0, 50)) console.error(`FINDING ${finding}`)
if (report.folder !== undefined) {
  console.error(`\nThe profiles (keys in cast.json), journals and the log stay in ${report.folder}`)
  console.error(`npm run crash -- --runs ${values.runs} --seed ${values.seed}`)
}
console.log(`\nSeed ${values.seed}`)
process.exitCode = report.findings.length > 0 ? 1 : 0
