import { Button, Group, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { fetchNode } from "../../api/values";
import { JsonView } from "../../components/json-view";
import { LoadState } from "../../components/load-state";
import { useLoad } from "../../state/use-load";
import type { DetailProps } from "./detail";

/** The path as the server has it. */
export function JsonTab({ path, context }: DetailProps) {
  const node = useLoad(() => fetchNode(path, context), `${context ?? ""} ${path}`);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text c="dimmed">As the server has it in its tree</Text>
        <Button variant="default" loading={node.loading} leftSection={<IconRefresh size={18} aria-hidden="true" />} onClick={() => void node.reload()}>
          Read again
        </Button>
      </Group>
      <LoadState of={node}>{(data) => <JsonView value={data} label="the JSON of the path" maxHeight={600} />}</LoadState>
    </Stack>
  );
}
