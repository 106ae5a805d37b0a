import { ActionIcon, Menu } from "@mantine/core";
import { IconLogin2, IconLogout, IconRuler2, IconShieldLock, IconUser, IconUserOff } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { logout } from "../api/auth";
import { act } from "../components/notify";
import { useLive, useLogin } from "../state/hooks";
import { openLogin } from "../state/login-request";

const UnitsDialog = lazy(() => import("./units-dialog"));

const meanings = { admin: "may do everything", readwrite: "may read and change values", readonly: "may read" } as const;

/** Who is signed in, and the way in and out. */
export function UserMenu() {
  const live = useLive();
  const login = useLogin();
  const [isChoosingUnits, setChoosingUnits] = useState(false);
  const name = login?.username;
  const leave = async () => {
    if (await act(logout, "Signed out", "Signing out failed")) {
      live.reconnect();
      await live.refreshLogin();
    }
  };
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={name === undefined ? "User: nobody is signed in" : `User: ${name}`} data-testid="user-menu">
            {name === undefined ? <IconUserOff aria-hidden="true" /> : <IconUser aria-hidden="true" />}
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label data-testid="who-am-i">{whoAmI(login)}</Menu.Label>
          {login?.authenticationRequired === true && !login.loggedIn && !login.unclaimed && (
            <Menu.Item leftSection={<IconLogin2 size={18} />} onClick={() => openLogin()}>
              Sign in
            </Menu.Item>
          )}
          {login?.loggedIn === true && (
            <Menu.Item leftSection={<IconLogout size={18} />} onClick={() => void leave()}>
              Sign out
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconRuler2 size={18} />} onClick={() => setChoosingUnits(true)} data-testid="units">
            Units
          </Menu.Item>
          <Menu.Item leftSection={<IconShieldLock size={18} />} component="a" href="#/security">
            {login?.unclaimed === true ? "Claim this server" : "Security"}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isChoosingUnits && (
        <Suspense>
          <UnitsDialog close={() => setChoosingUnits(false)} />
        </Suspense>
      )}
    </>
  );
}

function whoAmI(login: ReturnType<typeof useLogin>): string {
  if (login === undefined) return "Who is signed in is not known";
  if (!login.authenticationRequired) return "Nobody has to sign in here";
  if (login.unclaimed) return "Nobody owns this server yet";
  if (!login.loggedIn) return "Nobody is signed in";
  const level = login.userLevel === undefined ? "" : `, ${meanings[login.userLevel]}`;
  return `${login.username ?? "Signed in"}${level}`;
}
