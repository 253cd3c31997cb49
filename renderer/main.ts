import { mount } from 'svelte'
import { app } from './state.svelte.ts'
import App from './views/App.svelte'

const target = document.getElementById('app')
if (target === null) throw new Error('index.html has no #app')

app.start(window.coppice)
mount(App, { target })
