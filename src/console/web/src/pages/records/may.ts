/** What this person may do here. The gateway decides; what would only be refused is not shown. */
import { me } from '../../session';

export const may = (permission: string): boolean => me.value?.permissions[permission] === 'all';
