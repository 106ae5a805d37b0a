import { Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconMenu2 } from "@tabler/icons-react";
import { useRoute } from "../state/location";
import { pageOf, pages, type PageInfo } from "./pages";

/** All pages, at the side of a wide screen. */
export function SideRail({ onNavigate }: { onNavigate?: () => void }) {
  const current = useCurrentPage();
  return (
    <nav className="navigation" aria-label="Pages">
      {pages.map((page) => (
        <PageLink key={page.path} page={page} isCurrent={page === current} onNavigate={onNavigate} />
      ))}
    </nav>
  );
}

/** The most used pages at the bottom of a phone, and a drawer with all. */
export function BottomBar() {
  const current = useCurrentPage();
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <nav className="bottom-bar" aria-label="Most used pages">
        {pages
          .filter((page) => page.onPhoneBar)
          .map((page) => (
            <PageLink key={page.path} page={page} isCurrent={page === current} />
          ))}
        <button type="button" onClick={open} aria-haspopup="dialog" data-testid="more-pages">
          <IconMenu2 aria-hidden="true" />
          More
        </button>
      </nav>
      <Drawer opened={opened} onClose={close} title="Pages" position="right" size="80%" closeButtonProps={{ "aria-label": "Close" }}>
        <SideRail onNavigate={close} />
      </Drawer>
    </>
  );
}

function PageLink(props: { page: PageInfo; isCurrent: boolean; onNavigate?: (() => void) | undefined }) {
  const { page, isCurrent, onNavigate } = props;
  const Icon = page.icon;
  return (
    <a href={`#${page.path}`} aria-current={isCurrent ? "page" : undefined} onClick={onNavigate} data-testid={`nav-${page.path.slice(1)}`}>
      <Icon aria-hidden="true" />
      {page.title}
    </a>
  );
}

function useCurrentPage(): PageInfo | undefined {
  const location = useRoute();
  return pageOf(location);
}
