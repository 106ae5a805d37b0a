// What the service answers, in its own form. The hours begin at 2026-03-01 00:00 UTC.

export const MIDNIGHT = 1_772_323_200
const hours = [0, 1, 2, 3, 4, 5].map((hour) => MIDNIGHT + hour * 3_600)

export const current = {
  latitude: 54.5,
  longitude: 11.25,
  current_units: { time: 'unixtime', temperature_2m: '°C' },
  current: {
    time: MIDNIGHT + 900,
    interval: 900,
    temperature_2m: 12.3,
    apparent_temperature: 9.0,
    relative_humidity_2m: 81,
    precipitation: 0.4,
    weather_code: 61,
    cloud_cover: 100,
    pressure_msl: 1013.2,
    wind_speed_10m: 5.14,
    wind_direction_10m: 180,
    wind_gusts_10m: 9.5
  }
}

export const hourly = {
  hourly: {
    time: hours,
    temperature_2m: [10, 9.5, null, 9, 8.5, 8],
    weather_code: [0, 3, 75, 95, 66, 123],
    visibility: [24140, 8000, 400, 400, 1000, 2000],
    uv_index: [0, 0, 0, 0, 0, 0.05],
    wind_speed_10m: [10, 18, 25.25, 12, 5, 4],
    wind_direction_10m: [0, 90, 180, 270, 360, 45],
    wind_gusts_10m: [12, 20, 31, 15, 5, 18.5]
  }
}

export const daily = {
  daily: {
    time: [MIDNIGHT, MIDNIGHT + 86_400, MIDNIGHT + 2 * 86_400],
    weather_code: [2, 61, 71],
    temperature_2m_min: [-1, 0, 1],
    temperature_2m_max: [5, 6.5, 7],
    sunrise: [MIDNIGHT + 24_000, MIDNIGHT + 110_280, 0],
    sunset: [MIDNIGHT + 63_000, MIDNIGHT + 149_460, 0],
    uv_index_max: [1.5, 2, 2],
    precipitation_sum: [0, 12.5, 3],
    wind_speed_10m_max: [7, 8, 9],
    wind_gusts_10m_max: [11, 12, 13],
    wind_direction_10m_dominant: [270, 275, 280]
  }
}
