// Draws the icons: strokes in the colour of the text.

const PATHS = {
  webhook: 'M9 4.5v7a3.5 3.5 0 1 0 3.5 3.5h5M15 19.5v-7a3.5 3.5 0 1 0-3.5-3.5h-5',
  deliveries: 'M3 7l18-3-7 17-3-7-8-7zm8 7 5-5',
  error: 'M12 8v5m0 3.2v.1M10.3 4 2.8 17a2 2 0 0 0 1.7 3h15a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0z',
  events: 'M4 12h4l3-8 3 16 3-8h3',
  topics: 'M4 6h16M4 12h16M4 18h10',
  integrations: 'M4 4h7v7H4zM13 13h7v7h-7zM17 4v6m-3-3h6M7 14v6m-3-3h6',
  key: 'M8 11.5a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4zM11 12.7 19.5 4.2M16 7.7l3 3M13.5 10.2l2 2',
  audit: 'M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3',
  books: 'M12 4v16M7 20h10M5 7h14M5 7l-2.5 6h5zM19 7l-2.5 6h5z',
  retention: 'M4 5v5h5M4.6 10a8 8 0 1 1-.4 4M12 8v4.5l3 2',
  explorer: 'm8 7-5 5 5 5m8-10 5 5-5 5M13.5 5l-3 14',
  keyboard: 'M3 6h18v12H3zM7 10h.1m3.3 0h.1m3.3 0h.1m3.3 0h.1M8 14h8',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  menu: 'M4 7h16M4 12h16M4 17h16',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  signOut: 'M10 4H5v16h5M15 8l4 4-4 4m4-4H9',
  light:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.7 17.3l-1.4 1.4',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  system: 'M3 5h18v11H3zM8.5 20h7M12 16v4',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20',
  help: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.7 9.5a2.4 2.4 0 1 1 3.4 2.2c-.7.3-1.1.9-1.1 1.7v.4m0 2.7v.1',
  more: 'M5.5 12h.1m6.4 0h.1m6.4 0h.1',
  refresh: 'M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7',
  down: 'm7 10 5 5 5-5',
  up: 'm7 14 5-5 5 5',
  back: 'm14 6-6 6 6 6',
  play: 'M7 5v14l12-7z',
  pause: 'M8 5v14M16 5v14',
  bolt: 'M13 3 5 14h6l-1 7 8-11h-6z',
  brand: 'M8 4v9a6 6 0 0 0 12 0V9m-3 3 3-3 3 3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'brand' || name === 'more' ? 2.6 : 1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
