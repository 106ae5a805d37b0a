import { Alert, Button, Group } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";

interface Props {
  /** What is inside, as in "The form of this plugin". */
  what: string;
  /** When it changes, the inside is tried again. */
  resetKey?: string;
  children: ReactNode;
}

/** Keeps a fault inside from taking the rest of the page with it, and says what can be done. */
export class ErrorBoundary extends Component<Props, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.error !== undefined) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Alert color="red" icon={<IconAlertTriangle aria-hidden="true" />} title={`${this.props.what} can't be shown`} data-testid="fault">
        <p>
          Something went wrong in this part of the page. The server and everything else go on working. Try again; if it stays so,
          load the page anew, or report the text below.
        </p>
        <p>
          <code>{error.message}</code>
        </p>
        <Group mt="sm">
          <Button onClick={() => this.setState({ error: undefined })}>Try again</Button>
          <Button variant="default" onClick={() => window.location.reload()}>
            Load the page anew
          </Button>
        </Group>
      </Alert>
    );
  }
}
