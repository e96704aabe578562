/** Keeps the machine awake until it is killed: says so once the lock is held. Its argument is the address of the bus. */
import { openLinuxConditions } from './linux-conditions.ts';

const [busAddress = ''] = process.argv.slice(2);
const conditions = await openLinuxConditions({ busAddress, userId: 0, cores: 1, root: '/' });
await conditions.stayAwake('a process that is killed');
process.stdout.write('held\n');
// What is not disposed stays as long as the process, which this keeps alive.
setInterval(() => undefined, 1 << 30);
