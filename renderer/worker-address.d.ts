/** What the build makes of a worker: the address of its file. */
declare module '*?worker&url' {
  const address: string
  export { address as default }
}
