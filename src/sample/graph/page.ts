// Sizes of a page, as large as those of the webhooks' own lists.
export const PAGE = { greatest: 100, usual: 25 };
