// Shows what a replay would do with the first events of its period, and where their bodies would differ from those sent before.
import type { VariablesOf } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { Loaded } from '../../kit/loaded';
import { Rehearsed } from '../history/rehearsed';
import { REPLAY_REHEARSAL } from './queries';

export function ReplayRehearsal({ scope }: { scope: VariablesOf<typeof REPLAY_REHEARSAL> }) {
  const rehearsing = useApi(REPLAY_REHEARSAL, scope);
  return (
    <Loaded query={rehearsing} what="the rehearsal">
      {({ webhookReplayDryRun: run }) =>
        run === null || run.rehearsal.examinedCount === 0 ? null : <Rehearsed rehearsal={run.rehearsal} first="first" />
      }
    </Loaded>
  );
}
