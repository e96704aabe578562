/** What a job may use of memory unless it is told otherwise, bytes: the bound that the benchmark holds every step to. */
export const defaultMemory = 256e6;
