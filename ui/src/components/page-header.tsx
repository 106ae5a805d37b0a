import { Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** The heading of a page with what can be done there. Gets the focus when the page is gone to. */
export function PageHeader({ title, description, children }: { title: string; description?: ReactNode; children?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-end" gap="sm" mb="md">
      <div>
        <Title order={2} size="h2" tabIndex={-1} data-page-title>
          {title}
        </Title>
        {description !== undefined && <Text c="dimmed">{description}</Text>}
      </div>
      {children !== undefined && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
