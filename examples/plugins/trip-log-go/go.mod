module windlass.example/trip-log

go 1.24
