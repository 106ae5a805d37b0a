import { ActionIcon, Button, createTheme, Menu, Modal, NumberInput, PasswordInput, Select, Switch, TextInput, type MantineColorsTuple } from "@mantine/core";

/** The colour of water on a chart, light to dark. */
const sea: MantineColorsTuple = [
  "#e6f4fa",
  "#d0e7f1",
  "#a3d0e4",
  "#73b8d7",
  "#4da4cc",
  "#3598c6",
  "#2592c3",
  "#0a638c",
  "#0a5577",
  "#083f59",
];

/** Sizes for fingers on a moving boat; colours are in styles/tokens.css. */
export const theme = createTheme({
  primaryColor: "sea",
  primaryShade: { light: 7, dark: 7 },
  colors: { sea },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: "md",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: "md" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 44, variant: "subtle" } }),
    TextInput: TextInput.extend({ defaultProps: { size: "md" } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: "md" } }),
    NumberInput: NumberInput.extend({ defaultProps: { size: "md" } }),
    Select: Select.extend({ defaultProps: { size: "md", allowDeselect: false } }),
    Switch: Switch.extend({ defaultProps: { size: "md" } }),
    // The placeholder is an element that a menu must not have.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Modal: Modal.extend({ defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" } } }),
  },
});
