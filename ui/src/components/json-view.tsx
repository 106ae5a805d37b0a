import { Box } from "@mantine/core";
import { CopyButton } from "./copy-button";

/** More than this is cut: it would only make the page slow. */
const MAX_TEXT = 200_000;

/** JSON as text to read and copy; what is cut off is still copied. */
export function JsonView({ value, label = "JSON", maxHeight = 480 }: { value: unknown; label?: string; maxHeight?: number }) {
  const text = JSON.stringify(value, undefined, 2) ?? "undefined";
  return (
    <Box pos="relative" data-testid="json">
      <Box pos="absolute" top={4} right={4}>
        <CopyButton text={text} label={`Copy ${label}`} />
      </Box>
      {/* Focusable, so that it can be scrolled with the keyboard. */}
      <pre className="json" style={{ maxHeight }} tabIndex={0} role="region" aria-label={label}>
        {text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}\n… (${text.length} characters in all)` : text}
      </pre>
    </Box>
  );
}
