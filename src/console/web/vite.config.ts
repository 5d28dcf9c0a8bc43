import { defineConfig } from 'vite';

// The gateway that `npm run dev` asks.
const gateway = process.env['SIAGA112'] ?? 'http://127.0.0.1:8112';
const passed = { target: gateway, changeOrigin: true, ws: true };

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // JsSIP is made for Node and for browsers.
  define: { global: 'globalThis' },
  build: {
    outDir: 'dist',
    target: 'es2022',
    // A strict policy lets no script or style stand in the page itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': passed, '/healthz': passed, '/readyz': passed } },
});
