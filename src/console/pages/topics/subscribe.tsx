// The way from a topic to the form of a new webhook.
import { Link } from '@tanstack/react-router';
import { useRights } from '../../app/viewer';
import { Button, buttonClass } from '../../kit/button';

/** `topic`: the key of the topic, with its version if it has several. */
export function Subscribe({ topic, isMain = false }: { topic: string; isMain?: boolean }) {
  const { unavailable } = useRights();
  const tone = isMain ? 'primary' : 'plain';
  if (unavailable)
    return (
      <Button tone={tone} unavailable={unavailable}>
        Subscribe
      </Button>
    );
  return (
    <Link to="/webhooks/new" search={{ topic }} className={buttonClass(tone)} aria-label={`Subscribe to ${topic}`}>
      Subscribe
    </Link>
  );
}
