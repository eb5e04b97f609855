// Defines a third kind of destination, as a contributor would add it: each notification becomes a file in a folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../src/webhooks/base/errors.js';
import type { Field, MergeContext } from '../../../src/webhooks/base/fields/field.js';
import type { Subscription } from '../../../src/webhooks/base/model.js';
import { type DestinationDraft, storeDraft } from '../../../src/webhooks/destinations/draft.js';
import type { DestinationKind } from '../../../src/webhooks/destinations/kind.js';

interface FileDropSettings {
  folder: string;
}
interface FileDropSecrets {
  /** The text at the top of each file. */
  stamp: string;
}
interface FileDropInput {
  folder?: string | null;
  stamp?: string | null;
}

declare module '../../../src/webhooks/base/definition.js' {
  interface DestinationSettings {
    fileDrop: FileDropSettings;
  }
  interface DestinationSecrets {
    fileDrop: FileDropSecrets;
  }
  interface DestinationInputs {
    fileDrop: FileDropInput | null;
  }
}

type FileDropDraft = DestinationDraft<FileDropSettings>;

const FIELD: Field = {
  name: 'fileDrop',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: { typename: 'WebhookFileDropInput', description: 'A folder for one file for each notification.' },
    output: { typename: 'WebhookFileDrop', description: 'A folder that gets one file for each notification.' },
    fields: [
      {
        name: 'folder',
        type: { kind: 'TEXT' },
        description: 'The absolute path of the folder.',
        output: { required: true, read: ({ definition }: Subscription) => definition.fileDrop?.folder },
      },
      { name: 'stamp', type: { kind: 'TEXT' }, description: 'A secret text at the top of each file.', secret: true, output: false },
    ],
  },
  description: 'A folder to write notifications to.',
  output: { read: (source: Subscription) => (source.definition.fileDrop ? source : null) },
  destination: true,
  option: { flags: '--file-drop <name=value>', help: 'write to a folder: folder=…, stamp=env:NAME', isRepeated: true },
  merge(given: FileDropInput | null | undefined, { saved }: MergeContext): FileDropDraft | null {
    const [was, kept] = [saved?.definition.fileDrop, saved?.secrets.fileDrop];
    if (given === undefined) return was ? { settings: was, secrets: kept } : null;
    if (given === null) return null;
    const stamp = given.stamp === undefined ? kept?.stamp : given.stamp;
    return { settings: { folder: given.folder ?? was?.folder ?? '' }, secrets: stamp ? { stamp } : undefined };
  },
  check: ({ settings }: FileDropDraft): Problem[] =>
    settings.folder.startsWith('/') ? [] : [{ field: 'fileDrop.folder', message: 'must be an absolute path' }],
  store: storeDraft('fileDrop'),
};

interface Note {
  folder: string;
  name: string;
  text: string;
}

export const fileDrop: DestinationKind<FileDropSettings, FileDropSettings & Partial<FileDropSecrets>, Note> = {
  field: FIELD,
  title: 'File drop',
  notBefore: 'a file returns no response that could refuse a write',
  isHttp: false,
  receiverOf: ({ folder }) => folder,
  locate: (settings, secrets) => ({ url: `file://${settings.folder}`, origin: 'file://', access: { ...settings, ...secrets } }),
  compose(_engine, { destination }, { deliveryId }, { text }) {
    const { folder, stamp } = destination.access as FileDropSettings & Partial<FileDropSecrets>;
    const name = `${deliveryId}.json`;
    return {
      message: { folder, name, text: `${stamp ?? ''}\n${text}` },
      recorded: { url: `file://${join(folder, name)}`, headers: {}, body: text },
    };
  },
  open: async () => ({
    async send({ folder, name, text }) {
      const started = performance.now();
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, name), text);
      } catch (error) {
        return { kind: 'NO_REPLY', stage: 'CONNECT', message: (error as Error).message, sendMs: performance.now() - started };
      }
      return { kind: 'REPLY', status: 201, headers: {}, body: name, sendMs: performance.now() - started };
    },
    close: async () => {},
  }),
};
