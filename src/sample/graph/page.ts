// Defines page sizes, equal to those of the webhooks' own lists.
export const PAGE = { greatest: 100, usual: 25 };
