import { formats } from './codecs.ts'
import { formatTarget } from './format.ts'
import { joiningTargets } from './joining.ts'
import { messageTargets } from './messages.ts'
import { makeScene } from './scene.ts'
import { storedTargets } from './stored.ts'
import type { Target } from './target.ts'

/** Everything that is fuzzed: the formats, then what groups take, in each of these cipher suites. */
export const targetsOf = (suiteIds: readonly number[]): readonly Target[] => [
  ...formats.map(formatTarget),
  ...suiteIds.flatMap((id) => {
    const scene = makeScene(id)
    return [...messageTargets(scene), ...joiningTargets(scene), ...storedTargets(scene)]
      .map((target) => ({ ...target, name: `suite ${id} ${target.name}` }))
  }),
]
