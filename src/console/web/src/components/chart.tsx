/**
 * A chart over hours (uPlot). It is a picture only: whoever draws one puts the same figures into a table beside it,
 * and what a line means is told by its words, dashes and colour together.
 */
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from '../theme';

export interface Series {
  name: string;
  /** One for each moment; null: nothing can be said. */
  values: (number | null)[];
  /** A colour of the tokens: `--accent`. */
  colour: string;
  /** Columns, or a line. */
  shape: 'columns' | 'line';
  /** Dashes of a line. */
  dash?: number[];
}

interface Props {
  /** What it shows, for who cannot see it. */
  label: string;
  /** Seconds since 1970. */
  moments: number[];
  series: Series[];
  /** Top of the scale; by the figures when left out. */
  top?: number;
}

const HEIGHT = 240;

export function Chart({ label, moments, series, top }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let plot: uPlot | undefined;
    const draw = () => {
      plot?.destroy();
      const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
      const [text, line] = [colour('--text'), colour('--line')];
      const axis: uPlot.Axis = { stroke: text, grid: { stroke: line }, ticks: { stroke: line } };
      plot = new uPlot(
        {
          width: Math.max(280, element.clientWidth),
          height: HEIGHT,
          cursor: { drag: { x: false, y: false } },
          legend: { live: false },
          scales: { y: { range: (_, low, high) => [Math.min(0, low), top ?? Math.max(4, high)] } },
          axes: [axis, { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
          series: [
            {},
            ...series.map((one): uPlot.Series => {
              const stroke = colour(one.colour);
              if (one.shape === 'line') {
                return {
                  label: one.name,
                  stroke,
                  width: 2.5,
                  spanGaps: true,
                  ...(one.dash && { dash: one.dash }),
                };
              }
              const paths = uPlot.paths.bars?.({ size: [0.7, 40] });
              return {
                label: one.name,
                stroke,
                fill: stroke,
                points: { show: false },
                ...(paths && { paths }),
              };
            }),
          ],
        },
        [moments, ...series.map((one) => one.values)],
        element,
      );
    };
    // The theme decides the colours.
    const stop = effect(() => {
      theme.value;
      requestAnimationFrame(draw);
    });
    const wider = new ResizeObserver(() =>
      plot?.setSize({ width: Math.max(280, element.clientWidth), height: HEIGHT }),
    );
    wider.observe(element);
    return () => {
      stop();
      wider.disconnect();
      plot?.destroy();
    };
  }, [moments, series, top]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
