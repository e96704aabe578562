/** Entry of the process that copies databases which programs are writing during a backup. */
import { runDatabaseCopyProcess } from '@keephold/source-files';

runDatabaseCopyProcess(process);
