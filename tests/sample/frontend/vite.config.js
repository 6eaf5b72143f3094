import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const dependencies = fileURLToPath(new URL('node_modules', import.meta.url))

export default defineConfig({
  plugins: [svelte()],
  // In a worktree node_modules may be a symlink to another checkout's. Vite keeps its cache in there
  // by default, where two servers would overwrite each other's files.
  cacheDir: '.vite',
  server: {
    // A server that quietly moved to the next port would answer in the place of another checkout's.
    strictPort: true,
    // Vite refuses files outside of the project; what a symlinked node_modules points to is outside.
    fs: { allow: [here, realpathSync(dependencies)] },
  },
})
