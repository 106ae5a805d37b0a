import { useLayoutEffect, useState, type RefObject } from "react";

/** Less is no use, px. */
const SMALLEST = 280;
/** Below the element, px. */
const MARGIN = 16;

/** The height, px, that is left on the screen below the top of an element, above the bar of a phone. */
export function useFillHeight(element: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(SMALLEST);
  useLayoutEffect(() => {
    const measure = () => {
      if (element.current === null) return;
      const top = element.current.getBoundingClientRect().top + window.scrollY;
      const main = element.current.closest("main");
      const below = main === null ? 0 : Number.parseFloat(getComputedStyle(main).paddingBottom) || 0;
      setHeight(Math.max(SMALLEST, Math.floor(window.innerHeight - top - below - MARGIN)));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    // Alarms above the page come and go without changing the size of the body.
    for (const notices of document.querySelectorAll(".notices")) observer.observe(notices);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  });
  return height;
}
