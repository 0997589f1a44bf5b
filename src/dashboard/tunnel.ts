/** What gives services of type LoadBalancer their addresses; there is one where the cluster is of this machine. */
export interface Tunnel extends AsyncDisposable {
  readonly isOpen: boolean;
  /** Throws UserError where it cannot be, or is not needed. It stays open until it is disposed. */
  open(): Promise<void>;
}
