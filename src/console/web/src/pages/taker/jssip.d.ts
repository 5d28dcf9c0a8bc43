/** What the phone uses of JsSIP, which brings no types. */
declare module 'jssip' {
  type Listener = (event: SessionEvent) => void;

  export interface SessionEvent {
    originator?: 'local' | 'remote' | 'system';
    cause?: string;
    session?: Session;
    peerconnection?: RTCPeerConnection;
  }

  export interface Session {
    readonly direction: 'incoming' | 'outgoing';
    readonly connection: RTCPeerConnection | null;
    readonly remote_identity: { display_name: string; uri: { user: string } };
    /** The dialog's identity, once there is one. */
    readonly _dialog?: { id: { call_id: string; local_tag: string; remote_tag: string } } | null;
    on(event: string, listener: Listener): void;
    answer(options: object): void;
    terminate(options?: object): void;
    hold(options?: object, done?: () => void): boolean;
    unhold(options?: object, done?: () => void): boolean;
    isOnHold(): { local: boolean; remote: boolean };
    mute(options: { audio: boolean }): void;
    unmute(options: { audio: boolean }): void;
    isEnded(): boolean;
    isEstablished(): boolean;
    renegotiate(options?: object, done?: () => void): boolean;
    sendDTMF(tones: string, options?: object): void;
  }

  export interface Settings {
    sockets: unknown[];
    uri: string;
    ha1?: string;
    realm?: string;
    authorization_user?: string;
    register_expires?: number;
    session_timers?: boolean;
    user_agent?: string;
    connection_recovery_min_interval?: number;
    connection_recovery_max_interval?: number;
  }

  export class UA {
    constructor(settings: Settings);
    on(event: string, listener: Listener): void;
    start(): void;
    stop(): void;
    call(to: string, options: object): Session;
  }

  export class WebSocketInterface {
    constructor(url: string);
  }

  const JsSIP: { UA: typeof UA; WebSocketInterface: typeof WebSocketInterface };
  export default JsSIP;
}
