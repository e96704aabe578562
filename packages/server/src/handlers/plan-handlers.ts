/** Plans, as admins make and give them. */
import { type AccountsSurroundings, assignPlan, listPlans, putPlan } from '@keephold/accounts';
import type { schemas } from '@keephold/protocol/http';
import { requireAdmin } from './admin-handlers.ts';
import { EMPTY, type Handler, json } from './handler.ts';

export type PlanRoute = 'plans' | 'putPlan' | 'assignPlan';

const DAY = 24 * 3_600_000;

export function planHandlers(accounts: AccountsSurroundings): Readonly<Record<PlanRoute, Handler>> {
  return {
    plans: async (call) => {
      await requireAdmin(accounts, call);
      const plans = await listPlans(accounts);
      return json({ plans: plans.map(({ graceMs, ...plan }) => ({ ...plan, graceDays: Math.floor(graceMs / DAY) })) });
    },
    putPlan: async (call) => {
      await requireAdmin(accounts, call);
      const { bytes, graceDays } = call.json as schemas.PlanBody;
      await putPlan(accounts, { name: String(call.params['plan']), bytes, graceMs: graceDays * DAY });
      return EMPTY;
    },
    assignPlan: async (call) => {
      await requireAdmin(accounts, call);
      await assignPlan(accounts, call.json as schemas.AssignPlanBody);
      return EMPTY;
    },
  };
}
