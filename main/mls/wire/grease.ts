/** RFC 9420 §13.5: 0x0A0A, 0x1A1A and so on to 0xEAEA, reserved so that clients ignore what they do not know. */
export const greaseValues: readonly number[] = Array.from({ length: 15 }, (_, at) => 0x0a0a + at * 0x1010)

const reserved: ReadonlySet<number> = new Set(greaseValues)
export const isGrease = (value: number): boolean => reserved.has(value)
