import { ActionIcon, AppShell, Button } from "@mantine/core";
import { useMediaQuery, useWindowEvent } from "@mantine/hooks";
import { IconMaximize, IconMinimize } from "@tabler/icons-react";
import { Suspense, useLayoutEffect, useRef, type ReactNode } from "react";
import { EmptyState } from "../components/empty-state";
import { ErrorBoundary } from "../components/error-boundary";
import { Loading } from "../components/load-state";
import { useIsAdmin, useIsLive, useLive, useLogin, useStore } from "../state/hooks";
import { PageHeader } from "../components/page-header";
import { useRoute } from "../state/location";
import { openLogin } from "../state/login-request";
import { AlarmBar } from "./alarms";
import { Banners } from "./banners";
import { Header } from "./header";
import { kiosk, setKiosk } from "./kiosk";
import { LoginDialog } from "./login-dialog";
import { BottomBar, SideRail } from "./navigation";
import { pageOf, pages } from "./pages";

/** Everything around a page. */
export function Shell() {
  return (
    <>
      <Frame />
      <LoginDialog />
    </>
  );
}

function Frame() {
  const isLive = useIsLive();
  const isKiosk = useStore(kiosk);
  const isPhone = useMediaQuery("(max-width: 62em)", matchesNow("(max-width: 62em)"), { getInitialValueInEffect: false });
  useWindowEvent("keydown", (event) => {
    if (event.key === "Escape" && kiosk.get()) setKiosk(false);
  });
  return (
    <AppShell
      header={{ height: 60, collapsed: isKiosk }}
      navbar={{ width: 200, breakpoint: "62em", collapsed: { mobile: true, desktop: isKiosk } }}
      footer={{ height: 64, collapsed: isKiosk || !isPhone }}
      data-kiosk={isKiosk}
    >
      <a
        className="skip-link"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        Skip to the content
      </a>
      {!isKiosk && (
        <AppShell.Header>
          <Header>
            <ActionIcon aria-label="Show the page only" onClick={() => setKiosk(true)} visibleFrom="xs" data-testid="kiosk">
              <IconMaximize aria-hidden="true" />
            </ActionIcon>
          </Header>
        </AppShell.Header>
      )}
      {!isKiosk && !isPhone && (
        <AppShell.Navbar>
          <SideRail />
        </AppShell.Navbar>
      )}
      <AppShell.Main className="shell-main" id="content" tabIndex={-1} data-live={isLive}>
        <div className="notices">
          <AlarmBar />
          <Banners />
        </div>
        <div className="page">
          <CurrentPage />
        </div>
      </AppShell.Main>
      {!isKiosk && isPhone && (
        <AppShell.Footer>
          <BottomBar />
        </AppShell.Footer>
      )}
      {isKiosk && (
        <ActionIcon
          className="kiosk-exit"
          variant="default"
          aria-label="Show menu and header again"
          onClick={() => setKiosk(false)}
          data-testid="kiosk-exit"
        >
          <IconMinimize aria-hidden="true" />
        </ActionIcon>
      )}
    </AppShell>
  );
}

function CurrentPage() {
  const location = useRoute();
  const info = pageOf(location);
  if (info === undefined) {
    return (
      <EmptyState title="There is no such page" text={<>The address leads nowhere. Choose a page from the menu.</>} testId="no-page">
        <a href={`#${pages[0]?.path ?? "/"}`}>Go to the dashboard</a>
      </EmptyState>
    );
  }
  const Page = info.page;
  return (
    <ErrorBoundary what={`The page “${info.title}”`} resetKey={info.path}>
      <Suspense key={info.path} fallback={<Loading what={`Loading ${info.title}`} />}>
        {info.forAdmins === true ? (
          <AdminsOnly title={info.title}>
            <Page />
          </AdminsOnly>
        ) : (
          <Page />
        )}
        <Arrival path={info.path} />
      </Suspense>
    </ErrorBoundary>
  );
}

/** Asks whoever is no admin to sign in; lets everybody in while nobody owns the server, to claim it. */
function AdminsOnly({ title, children }: { title: string; children: ReactNode }) {
  const login = useLogin();
  const isAdmin = useIsAdmin();
  const { wasLoginAsked } = useStore(useLive().server);
  if (!wasLoginAsked) return <Loading />;
  // Where nothing tells who is signed in, the requests of the page will say.
  if (login === undefined || isAdmin || login.unclaimed) return children;
  return (
    <>
      <PageHeader title={title} />
      <EmptyState
        title="For administrators"
        text={login.loggedIn ? `You are signed in as ${login.username}, who is none. Sign in as somebody else.` : "Sign in to see and change this."}
        testId="admins-only"
      >
        <Button onClick={() => openLogin()}>Sign in</Button>
      </EmptyState>
    </>
  );
}

let arrivedAt: string | undefined;

/** Puts the focus on the heading of a page that was gone to, so that a screen reader begins there. */
function Arrival({ path }: { path: string }) {
  const mark = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const isFirst = arrivedAt === undefined;
    const isSame = arrivedAt === path;
    arrivedAt = path;
    if (isFirst || isSame) return;
    window.scrollTo(0, 0);
    const heading = mark.current?.parentElement?.querySelector<HTMLElement>("[data-page-title]");
    (heading ?? document.getElementById("content"))?.focus({ preventScroll: true });
  }, [path]);
  return <span ref={mark} hidden />;
}

function matchesNow(query: string): boolean {
  return typeof window.matchMedia === "function" && window.matchMedia(query).matches;
}
