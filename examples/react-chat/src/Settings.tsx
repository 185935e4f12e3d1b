import type { Tweaks } from 'langflow-client';

/** What was changed; the flow's own setting holds where nothing was. */
export interface Values {
  readonly temperature?: number;
  readonly maxTokens?: number;
}

export const NO_SETTINGS: Values = {};

/** The settings as tweaks of a component: for the next message only, the flow stays as it is. */
export function tweaksOf(
  component: string,
  { temperature, maxTokens }: Values,
): Tweaks | undefined {
  const changed = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
  };
  return Object.keys(changed).length === 0 ? undefined : { [component]: changed };
}

interface Props {
  readonly value: Values;
  readonly onChange: (value: Values) => void;
}

export function Settings({ value, onChange }: Props) {
  const { temperature, maxTokens } = value;
  return (
    <fieldset>
      <legend>Tweaks</legend>
      <label htmlFor="temperature">
        Temperature <span>{temperature ?? 'as the flow has it'}</span>
      </label>
      <input
        id="temperature"
        type="range"
        min={0}
        max={2}
        step={0.1}
        value={temperature ?? 0.1}
        onChange={({ target }) => onChange({ ...value, temperature: target.valueAsNumber })}
      />
      <label htmlFor="tokens">Tokens at most</label>
      <input
        id="tokens"
        type="number"
        min={1}
        placeholder="no limit"
        value={maxTokens ?? ''}
        onChange={({ target: { valueAsNumber } }) => {
          const { maxTokens: _, ...rest } = value;
          onChange(valueAsNumber >= 1 ? { ...rest, maxTokens: valueAsNumber } : rest);
        }}
      />
      <button
        type="button"
        aria-disabled={value === NO_SETTINGS}
        onClick={() => onChange(NO_SETTINGS)}
      >
        As the flow has them
      </button>
    </fieldset>
  );
}
