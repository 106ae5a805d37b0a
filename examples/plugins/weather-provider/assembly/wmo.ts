// The weather codes of the World Meteorological Organization that forecast models use (table 4677).

/** What a code means; empty for a code that is none. */
export function description(code: f64): string {
  if (isNaN(code)) return ''
  switch (<i32>code) {
    case 0: return 'Clear sky'
    case 1: return 'Mainly clear'
    case 2: return 'Partly cloudy'
    case 3: return 'Overcast'
    case 45: return 'Fog'
    case 48: return 'Rime fog'
    case 51: return 'Light drizzle'
    case 53: return 'Drizzle'
    case 55: return 'Dense drizzle'
    case 56: return 'Light freezing drizzle'
    case 57: return 'Freezing drizzle'
    case 61: return 'Light rain'
    case 63: return 'Rain'
    case 65: return 'Heavy rain'
    case 66: return 'Light freezing rain'
    case 67: return 'Freezing rain'
    case 71: return 'Light snow'
    case 73: return 'Snow'
    case 75: return 'Heavy snow'
    case 77: return 'Snow grains'
    case 80: return 'Light rain showers'
    case 81: return 'Rain showers'
    case 82: return 'Violent rain showers'
    case 85: return 'Snow showers'
    case 86: return 'Heavy snow showers'
    case 95: return 'Thunderstorm'
    case 96: return 'Thunderstorm with light hail'
    case 99: return 'Thunderstorm with hail'
    default: return ''
  }
}

/** The kind of precipitation that a code stands for, as Signal K names it; empty when it stands for none. */
export function precipitation(code: f64): string {
  if (isNaN(code)) return ''
  const known = <i32>code
  if (known >= 95) return 'thunderstorm'
  if (known >= 85 || (known >= 71 && known <= 77)) return 'snow'
  if (known == 56 || known == 57 || known == 66 || known == 67) return 'freezing rain'
  return known >= 51 ? 'rain' : ''
}
