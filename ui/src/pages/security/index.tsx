import { Stack, Tabs } from "@mantine/core";
import { IconDevices, IconLock, IconQrcode, IconUser, IconUsers, IconListCheck } from "@tabler/icons-react";
import { Fragment, lazy, Suspense, type ComponentType } from "react";
import { EmptyState } from "../../components/empty-state";
import { Loading } from "../../components/load-state";
import { PageHeader } from "../../components/page-header";
import { useLogin } from "../../state/hooks";
import { navigate, useSubroute } from "../../state/location";
import { AccessRequests } from "./access-requests";
import { ClaimForm } from "./claim-form";
import { RestoreForm } from "./restore-form";
import "./security.css";

interface TabInfo {
  id: string;
  title: string;
  icon: typeof IconUsers;
  panel: ComponentType;
}

const tabs: readonly TabInfo[] = [
  { id: "users", title: "Users", icon: IconUsers, panel: lazy(() => import("./users")) },
  { id: "devices", title: "Devices", icon: IconDevices, panel: lazy(() => import("./devices")) },
  { id: "rules", title: "Access rules", icon: IconListCheck, panel: lazy(() => import("./acl/panel")) },
  { id: "settings", title: "Settings", icon: IconLock, panel: lazy(() => import("./settings")) },
  { id: "phones", title: "Phones and encryption", icon: IconQrcode, panel: lazy(() => import("./phones/panel")) },
  { id: "account", title: "My account", icon: IconUser, panel: lazy(() => import("./account")) },
];

/** Who may do what. */
export default function SecurityPage() {
  const login = useLogin();
  return (
    <Stack gap="md" className="security-page" data-testid="page-security">
      <PageHeader title="Security" description="Who may do what on this server" />
      {login === undefined ? (
        <Loading />
      ) : login.unclaimed ? (
        <>
          <ClaimForm />
          <RestoreForm />
        </>
      ) : (
        // Somebody else sees it anew.
        <Fragment key={login.username ?? ""}>
          {login.authenticationRequired ? <AccessRequests /> : <Open />}
          <Pages only={login.authenticationRequired ? undefined : "phones"} />
        </Fragment>
      )}
    </Stack>
  );
}

function Pages({ only }: { only: string | undefined }) {
  const [chosen] = useSubroute("/security");
  const there = only === undefined ? tabs : tabs.filter(({ id }) => id === only);
  const current = there.find(({ id }) => id === chosen) ?? (there[0] as TabInfo);
  const Panel = current.panel;
  return (
    <Tabs value={current.id} onChange={(id) => id !== null && navigate(`/security/${id}`)} keepMounted={false}>
      <Tabs.List className="page-tabs">
        {there.map(({ id, title, icon: Icon }) => (
          <Tabs.Tab key={id} value={id} leftSection={<Icon size={18} aria-hidden="true" />} data-testid={`tab-${id}`}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={current.id} pt="md">
        <Suspense fallback={<Loading what={`Loading ${current.title}`} />}>
          <Panel />
        </Suspense>
      </Tabs.Panel>
    </Tabs>
  );
}

function Open() {
  return (
    <EmptyState
      title="Security is off"
      text="The server was started so that everybody may do everything: with --insecure, or as a demo. Start it without that option, and claim it here with the code that it shows on its console."
      testId="security-off"
    />
  );
}
