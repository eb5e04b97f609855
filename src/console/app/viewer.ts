// Reads who is signed in, and what this user may do.
import { graphql } from './graphql';
import { useApi } from './queries';

const VIEWER = graphql(`
  query Viewer {
    webhookViewer {
      userId
      userLabel
      organizationLabel
      canManageWebhooks
      cannotManageReason
      token { id name scope expiresAt }
    }
  }
`);

const USUAL_REASON = 'You may read webhooks, but not change them.';

export interface Rights {
  /** The reason, shown at disabled buttons, why webhooks can't be changed; `null` when they can be changed, and while this is loading. */
  unavailable: string | null;
}

export function useViewer() {
  return useApi(VIEWER, {}, { poll: 60_000 });
}

export function useRights(): Rights {
  const viewer = useViewer().data?.webhookViewer;
  return { unavailable: viewer && !viewer.canManageWebhooks ? (viewer.cannotManageReason ?? USUAL_REASON) : null };
}
