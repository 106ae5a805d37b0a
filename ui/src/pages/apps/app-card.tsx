import { ActionIcon, Button, Group, Text } from "@mantine/core";
import { IconExternalLink, IconStar, IconStarFilled } from "@tabler/icons-react";
import { useState } from "react";
import type { WebApp } from "../../api/webapps";

/** One app to start. */
export function AppCard({ app, isFavourite, onFavourite }: { app: WebApp; isFavourite: boolean; onFavourite: () => void }) {
  const Star = isFavourite ? IconStarFilled : IconStar;
  return (
    <li className="page-card app-card" data-testid={`app-${app.name}`}>
      <div className="app-head">
        <AppIcon app={app} />
        <div className="app-names">
          <h3>{app.title}</h3>
          <Text size="sm" c="dimmed" className="app-name">
            {app.name} {app.version}
          </Text>
        </div>
        <ActionIcon
          aria-label={isFavourite ? `${app.title} is a favourite; remove it` : `Make ${app.title} a favourite`}
          aria-pressed={isFavourite}
          onClick={onFavourite}
          data-testid={`favourite-${app.name}`}
        >
          <Star size={22} aria-hidden="true" />
        </ActionIcon>
      </div>
      <Text c="dimmed" className="app-description">
        {app.description === "" ? "It does not say what it does." : app.description}
        {app.author !== "" && <span className="app-author"> By {app.author}</span>}
      </Text>
      <Group gap="xs" mt="auto" wrap="nowrap">
        <Button component="a" href={app.url} flex={1} data-testid={`open-${app.name}`}>
          Open
        </Button>
        <Button
          component="a"
          href={app.url}
          target="_blank"
          rel="noopener"
          variant="default"
          leftSection={<IconExternalLink size={18} aria-hidden="true" />}
          aria-label={`Open ${app.title} in a new tab`}
          data-testid={`open-new-${app.name}`}
        >
          New tab
        </Button>
      </Group>
    </li>
  );
}

/** The app's own picture, or its first letter where it has none that can be shown. */
function AppIcon({ app }: { app: WebApp }) {
  const [isBroken, setBroken] = useState(false);
  if (app.icon !== undefined && !isBroken) {
    return <img className="app-icon" src={app.icon} alt="" width={56} height={56} loading="lazy" onError={() => setBroken(true)} />;
  }
  return (
    <span className="app-icon app-letter" aria-hidden="true" data-testid={`letter-${app.name}`}>
      {app.title.charAt(0).toUpperCase()}
    </span>
  );
}
