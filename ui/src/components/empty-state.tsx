import { Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** What a list without entries says: that there is nothing, why, and what to do. `children` are the buttons. */
export function EmptyState(props: { icon?: ReactNode; title: string; text?: ReactNode; children?: ReactNode; testId?: string }) {
  const { icon, title, text, children, testId = "empty" } = props;
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center" data-testid={testId}>
      {icon !== undefined && <span className="empty-icon" aria-hidden="true">{icon}</span>}
      <Title order={3} size="h4">
        {title}
      </Title>
      {text !== undefined && (
        <Text c="dimmed" maw={520} component="div">
          {text}
        </Text>
      )}
      {children}
    </Stack>
  );
}
