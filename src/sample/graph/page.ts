// Defines the greatest and the usual number of objects on a page, equal to those of Hookgraph's own lists.
export const PAGE = { greatest: 100, usual: 25 };
