/** Short names for what the gateway's description says. Nothing here is written by hand. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type Me = Schemas['Me'];
export type LiveCall = Schemas['LiveCall'];
export type CallPage = Schemas['CallPage'];
export type LiveQueue = Schemas['LiveQueue'];
export type LiveSeat = Schemas['LiveSeat'];
export type LiveTrunk = Schemas['LiveTrunk'];
export type LivePlace = Schemas['LivePlace'];
export type LiveLocation = Schemas['LiveLocation'];
export type Who = Schemas['Who'];
export type EarlierCall = Schemas['EarlierCall'];
export type OpenWork = Schemas['OpenWork'];
export type Choosable = Schemas['Choosable'];
export type RecordView = Schemas['RecordView'];
export type Incident = Schemas['Incident'];
export type IncidentSummary = Schemas['IncidentSummary'];
export type FieldProblem = Schemas['FieldProblem'];
export type Party = Schemas['Party'];
export type ListedContact = Schemas['ListedContact'];
export type CallChains = Schemas['CallChains'];
export type PlannedChain = Schemas['PlannedChain'];
export type LiveChain = Schemas['LiveChain'];
export type LiveStep = Schemas['LiveStep'];
export type LiveAlarm = Schemas['LiveAlarm'];
export type LiveMessage = Schemas['LiveMessage'];
export type PhoneCredentials = Schemas['PhoneCredentials'];
