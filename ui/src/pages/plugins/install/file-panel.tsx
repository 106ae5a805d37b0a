import { Button, FileButton, Progress } from "@mantine/core";
import { IconFileUpload } from "@tabler/icons-react";
import { useState, type DragEvent } from "react";
import { messageOf } from "../../../api/http";
import { uploadPackage } from "../../../api/packages";

/** Largest file that the server takes, bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Takes a file by choosing or dropping it, and sends it. */
export function FilePanel({ onSent }: { onSent: () => void }) {
  const [sending, setSending] = useState<{ name: string; part: number }>();
  const [problem, setProblem] = useState<string>();
  const sendFile = async (file: File | null | undefined) => {
    if (file === null || file === undefined) return;
    setProblem(undefined);
    if (!/\.(tgz|tar\.gz|wasm)$/.test(file.name)) return setProblem("A plugin is a file that ends in .tgz or .wasm.");
    if (file.size > MAX_BYTES) return setProblem("The file is larger than 64 MiB, which is more than a plugin may be.");
    setSending({ name: file.name, part: 0 });
    try {
      await uploadPackage(file, (part) => setSending({ name: file.name, part }));
      onSent();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setSending(undefined);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void sendFile(event.dataTransfer.files[0]);
  };
  return (
    <div className="file-drop" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <p>A plugin or web app as a package (.tgz, made by “npm pack”) or a plugin&apos;s module alone (.wasm).</p>
      <p className="muted">It comes into the sandbox like any other. Nothing in it is run while it is installed.</p>
      <FileButton
        accept=".tgz,.gz,.wasm,application/gzip,application/wasm"
        inputProps={{ "aria-label": "Package file" }}
        onChange={(file) => void sendFile(file)}
      >
        {(props) => (
          <Button {...props} leftSection={<IconFileUpload size={18} aria-hidden="true" />} loading={sending !== undefined} data-testid="choose-file">
            Choose a file
          </Button>
        )}
      </FileButton>
      {sending !== undefined && (
        <div role="status">
          <p>Sending {sending.name}</p>
          <Progress value={sending.part * 100} aria-label={`Sending ${sending.name}`} />
        </div>
      )}
      {problem !== undefined && (
        <p className="bad" role="alert" data-testid="upload-problem">
          {problem}
        </p>
      )}
    </div>
  );
}
