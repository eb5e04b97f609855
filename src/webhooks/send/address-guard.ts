// A connection about to be opened -> opened to an address that was vetted, or refused.
import { lookup as lookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isAllowed, isBlocked } from '../base/address.js';

/** An address that a subscription may not make us connect to. Says why, and nothing of what answers there. */
export class AddressRefused extends Error {
  override name = 'AddressRefused';
}

/**
 * A connector for undici. A name is resolved here, each of its addresses is vetted, and the socket connects to those
 * and no others: a name that answers differently a moment later changes nothing.
 */
export function guardedConnector(allowedNetworks: string[], timeoutMs: number): buildConnector.connector {
  const vet = (address: string, secure: boolean): void => {
    const reason = isBlocked(address, allowedNetworks);
    if (reason !== null) throw new AddressRefused(`Refused to connect: ${reason}.`);
    if (!secure && !isAllowed(address, allowedNetworks))
      throw new AddressRefused('Refused to connect: http is accepted only in allowed networks.');
  };
  const lookup =
    (secure: boolean): LookupFunction =>
    (hostname, options, callback) => {
      lookupAddress(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        try {
          for (const { address } of addresses) vet(address, secure);
        } catch (refused) {
          return callback(refused as Error, '', 0);
        }
        if (options.all) return callback(null, addresses);
        const first = addresses[0];
        if (first === undefined) return callback(new Error(`${hostname} has no address`), '', 0);
        callback(null, first.address, first.family);
      });
    };
  const connect = {
    https: buildConnector({ timeout: timeoutMs, lookup: lookup(true) }),
    http: buildConnector({ timeout: timeoutMs, lookup: lookup(false) }),
  };
  return (options, callback) => {
    const secure = options.protocol === 'https:';
    const literal = options.hostname.replace(/^\[|\]$/g, '');
    // Node asks no lookup for a literal address.
    if (isIP(literal) !== 0) {
      try {
        vet(literal, secure);
      } catch (refused) {
        return callback(refused as Error, null);
      }
    }
    return (secure ? connect.https : connect.http)(options, callback);
  };
}
