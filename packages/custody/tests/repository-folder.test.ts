import { custodySuite } from '@keephold/testkit';
import { createTestRepository } from './_repository.ts';

custodySuite('a folder', async (account) => await createTestRepository(account));
