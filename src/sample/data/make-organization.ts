// Creates an organization with its admin, on a database without sample data.
import { generateToken, hashToken } from '../../auth/api-token.js';
import { Prisma, type PrismaClient } from '../../generated/nodes/client.js';

export interface NewOrganization {
  name: string;
  /** The short name in URLs. */
  permalink: string;
  /** The admin's name; the last word is the family name. */
  admin: string;
  /** The admin's API token; `null`: a token is generated. */
  token: string | null;
}

/** The admin's API token; or, if nothing was created, which value another organization or token has already. */
export type Made = { token: string } | { taken: 'permalink' | 'token' };

export async function makeOrganization(prisma: PrismaClient, { name, permalink, admin, token }: NewOrganization): Promise<Made> {
  const words = admin.trim().split(/\s+/);
  const lastName = words.length > 1 ? (words.pop() as string) : '';
  const chosen = token ?? generateToken();
  try {
    await prisma.organization.create({
      data: {
        name,
        permalink,
        members: {
          create: {
            firstName: words.join(' '),
            lastName,
            admin: true,
            apiTokens: { create: { name: 'first token', tokenHash: hashToken(chosen) } },
          },
        },
      },
    });
    return { token: chosen };
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') throw error;
    const isTaken = await prisma.organization.findUnique({ where: { permalink }, select: { id: true } });
    return { taken: isTaken ? 'permalink' : 'token' };
  }
}
