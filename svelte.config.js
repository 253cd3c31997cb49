// Read by the build and by svelte-check. Runes everywhere: one way to hold state.
export default { compilerOptions: { runes: true } }
