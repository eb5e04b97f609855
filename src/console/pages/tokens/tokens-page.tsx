// Lists API tokens, and revokes them.
import { useState } from 'react';
import { useAct, useApi } from '../../app/queries';
import { useViewer } from '../../app/viewer';
import { Badge } from '../../kit/badge';
import { Button } from '../../kit/button';
import { Empty, Loaded } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { Page } from '../../kit/page';
import { type Column, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import { notify } from '../../kit/toast';
import { CreateTokenDialog, SCOPES } from './create-token-dialog';
import { REVOKE_TOKEN, TOKENS, type Token } from './queries';

export function TokensPage() {
  const query = useApi(TOKENS, { after: null }, { poll: 15_000 });
  const mine = useViewer().data?.webhookViewer.token;
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const unavailable = mine && mine.scope !== 'ADMIN' ? 'Creating a token needs a token with the scope “everything”.' : null;
  const create = (
    <Button tone="primary" icon="plus" unavailable={unavailable} onPress={() => setCreating(true)}>
      Create token
    </Button>
  );
  const columns: Column<Token>[] = [
    {
      head: 'Name',
      cell: ({ name, databaseId }) => (
        <>
          <strong>{name}</strong> {databaseId === mine?.id && <Badge tone="accent">This session</Badge>}
        </>
      ),
    },
    { head: 'May', cell: ({ scope }) => SCOPES[scope].name },
    { head: 'State', cell: (token) => <TokenState token={token} /> },
    { head: 'Created', cell: ({ createdAt }) => createdAt && <Time at={createdAt} style="ago" /> },
    { head: 'Last used', cell: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} style="ago" /> : 'Never') },
    { head: 'Expires', cell: ({ expiresAt }) => (expiresAt ? <Time at={expiresAt} style="ago" /> : 'Never') },
    {
      head: 'Action',
      align: 'right',
      cell: (token) =>
        token.active && (
          <Button tone="danger" aria-label={`Revoke ${token.name}`} onPress={() => setRevoking(token)}>
            Revoke
          </Button>
        ),
    },
  ];
  return (
    <Page
      title="API tokens"
      lead="Programs, the command line and this console sign in with a token. A token is shown only once."
      actions={create}
    >
      <Loaded query={query} what="the tokens">
        {({ apiTokens }) => {
          // The newest token is the most interesting one; the API lists the oldest first.
          const nodes = (apiTokens?.nodes ?? []).toReversed();
          return nodes.length === 0 ? (
            <Empty title="There are no tokens" action={create} />
          ) : (
            <Table label="API tokens" columns={columns} rows={nodes} rowKey={({ id }) => id} />
          );
        }}
      </Loaded>
      {isCreating && <CreateTokenDialog onClose={() => setCreating(false)} />}
      {revoking && <RevokeDialog token={revoking} isOwn={revoking.databaseId === mine?.id} onClose={() => setRevoking(null)} />}
    </Page>
  );
}

function TokenState({ token: { active, revokedAt, expiresAt } }: { token: Token }) {
  if (active) return <Badge tone="good">Active</Badge>;
  return <Badge tone="idle">{revokedAt ? 'Revoked' : expiresAt ? 'Expired' : 'Not accepted'}</Badge>;
}

function RevokeDialog({ token: { id, name }, isOwn, onClose }: { token: Token; isOwn: boolean; onClose(): void }) {
  const { run, isRunning } = useAct(REVOKE_TOKEN);
  const revoke = async () => {
    const { ok } = await run({ id });
    if (ok) notify({ text: `The token “${name}” is revoked.` });
    onClose();
  };
  return (
    <Confirm title={`Revoke “${name}”?`} action="Revoke" isDangerous isBusy={isRunning} onConfirm={() => void revoke()} onClose={onClose}>
      <p>Requests with this token are refused from now on. This can’t be undone.</p>
      {isOwn && <p>You are signed in with this token: your session ends, too.</p>}
    </Confirm>
  );
}
