// Tests that templates read and format moments as Shopify's Liquid does.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseTemplate, renderNodes } from '../../../../src/webhooks/base/templates/liquid.mjs';

const render = (source: string, data: object = {}) => renderNodes(parseTemplate(source, 'none'), 'none', data);

describe('a moment', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each(['UTC', 'America/New_York', 'Asia/Kolkata'])('is in UTC on a machine in %s', (zone) => {
    vi.stubEnv('TZ', zone);
    expect(new Date(0).getTimezoneOffset() === 0).toBe(zone === 'UTC');
    const format = (text: unknown, pattern = '%F %T %z') => render(`{{ x | date: "${pattern}" }}`, { x: text });
    // In New York, clocks skip this hour.
    for (const text of ['2026-03-08T02:30:00', '2026-03-08 02:30', '2026-03-08T02:30:00Z', '8 Mar 2026 02:30 GMT', 'March 8, 2026 2:30 AM'])
      expect(format(text)).toBe('2026-03-08 02:30:00 +0000');
    for (const text of ['2026-03-08T04:30:00+02:00', '2026-03-08 04:30:00+02', 'Sun, 08 Mar 2026 04:30:00 +0200', '2026-03-07 21:30 EST'])
      expect(format(text)).toBe('2026-03-08 02:30:00 +0000');
    for (const text of ['2026-03-08', 'March 8, 2026', '03/08/2026', '03-08-2026', 1772928000, '1772928000'])
      expect(format(text)).toBe('2026-03-08 00:00:00 +0000');
    expect(render('{{ "2026-03-08T02:30:00" | date_to_xmlschema }}')).toBe('2026-03-08T02:30:00+00:00');
    expect(render('{{ "2026-03-08 02:30" | date_to_rfc822 }}')).toBe('Sun, 08 Mar 2026 02:30:00 +0000');
    expect(render('{{ "2026-03-08T12:00:00" | date: "%H:%M %:z %Z", "Europe/Berlin" }}')).toBe('13:00 +01:00 Europe/Berlin');
  });

  it.each([
    ...['April 31, 2024', 'Apr 31 2024', '31 April 2024', '31-Apr-2024', '2024 Apr 31', 'Wed Apr 31 2024', 'Sept 31 2024 10:00'],
    ...[
      'Feb 29 2023',
      '29 Feb 2023',
      'Feb 29, 1900',
      '30 Feb 24',
      'Feb 31 03',
      'Monday, November 31, 2024',
      'Tue Nov 31 10:00:00 UTC 2024',
    ],
    ...['Wed, 31 Apr 2024 10:00:00 GMT', 'Thu, 31 Nov 2024 10:00:00 +0100', 'Sun Feb 30 2025 00:00:00 GMT+0100 (CET)'],
    ...['4/31/2024', '04-31-2024', '04/31/24', '2/30/03', '2024/4/31', '2024-4-31', '2024.02.30', '2024-02-30 10:00:00 +0200'],
    ...['2024-11-31 10:00:00 UTC', '2024-11-31T10:00', '2024-02-30', 'February 30, 2024 11:59 PM EST', 'April 31', '31 Nov'],
    ...['Apr 30, 2024 10:61', 'Apr 30, 2024 25:00', 'Apr 30, 2024 10:00:61', '2024-04-30 10:61 UTC'],
  ])('is none in %s, which is no day or time', (text) => {
    expect(render('{{ x | date: "%F %T" }} {{ x | date_to_string }}', { x: text })).toBe(`${text} ${text}`);
  });

  it.each([
    ...[
      'April 30, 2024',
      '30 April 2024',
      '30-Apr-2024',
      '2024 Apr 30',
      'Tue Apr 30 2024',
      'Apr 30 24',
      '4/30/2024',
      '04/30/24',
      '2024/4/30',
    ],
    ...['2024-4-30', '04-30-2024', '2024-04-30 10:00 +0100', 'Tue, 30 Apr 2024 23:59:59 -0300', 'Apr 30, 2024, 11:00 PM EST', '2024.04.30'],
    ...['Tue Apr 30 2024 00:00:00 GMT+0100 (CET)', 'Tue Apr 30 10:00:00 UTC 2024', '2024-04-30T10:00+05', '30 APR 2024'],
  ])('is in %s', (text) => {
    expect(render('{{ x | date: "%Y-%m" }}', { x: text })).toMatch(/^2024-0[45]$/);
  });

  it('has the present year where a text has none', () => {
    const year = new Date().getUTCFullYear();
    const texts = ['March 7', '7 March', 'Mar 7 10:00', 'Sat, 7 Mar 10:00 UTC'];
    expect(texts.map((text) => render('{{ x | date: "%F" }}', { x: text }))).toEqual(texts.map(() => `${year}-03-07`));
    expect(render('{{ "April 2024" | date: "%F" }}')).toBe('2024-04-01');
  });

  it.each([
    ['%a %A %^a %b %B %h %p %P %#p', 'Mon Monday MON Jan January Jan PM pm pm'],
    ['%Y %C %y %m %-m %d %-d %e %j', '2029 20 29 01 1 01 1  1 001'],
    ['%H %k %I %l %-I %M %S %L %N %3N %6N', '15 15 03  3 3 04 05 678 678000000 678 678000'],
    ['%D %F %T %R %r %v %x %X', '01/01/29 2029-01-01 15:04:05 15:04 03:04:05 PM  1-JAN-2029 01/01/29 15:04:05'],
    ['%c|%s|%Q|%Z|%z|%:z|%::z', 'Mon Jan  1 15:04:05 2029|1861974245|1861974245678|UTC|+0000|+00:00|+00:00:00'],
    ['%u %w %U %W %V %G %g %q', '1 1 00 01 01 2029 29 st'],
    ['%5d|%_m|%010Y|%%|%n|%t|%E|%!', '00001| 1|0000002029|%|\n|\t|%E|%!'],
  ])('is formatted by %j', (format, text) => {
    expect(render(`{{ "2029-01-01T15:04:05.678Z" | date: format }}`, { format })).toBe(text);
  });

  it.each([
    ['{{ "2026-01-01T00:00:00Z" | date: "%V %G" }} {{ "2027-01-01" | date: "%V %G" }}', '01 2026 53 2026'],
    ['{{ "-000043-03-15T12:00:00.000Z" | date: "%Y" }} {{ "+012026-01-01T00:00:00.000Z" | date: "%Y" }}', '-0043 12026'],
    [
      "{{ '0044-03-15' | date: '%F' }} {{ '0044-03-15 10:00:00+02' | date: '%F %H' }} {{ '0001-01-01T00:00:00' | date: '%F' }}",
      '0044-03-15 0044-03-15 08 0001-01-01',
    ],
    [
      "{{ '2024-02-30' | date: '%F' }} {{ '2023-02-29T10:00:00Z' | date: '%F' }} {{ '2024-02-29' | date: '%F' }}",
      '2024-02-30 2023-02-29T10:00:00Z 2024-02-29',
    ],
    [
      '{{ nothing | date: "%Y" }}{{ "soon" | date: "%Y" }} {{ true | date: "%Y" }} {{ "2026-01-01" | date: nothing }}',
      'soon true 2026-01-01',
    ],
  ])('%s is %j', (source, text) => {
    expect(render(source, { nothing: null })).toBe(text);
  });
});
