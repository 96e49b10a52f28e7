// Starts the emulator on the port given as the first argument.
const TelegramServer = require("telegram-test-api");

// kept longer than any test runs
new TelegramServer({ port: Number(process.argv[2]), host: "127.0.0.1", storeTimeout: 3600 }).start();
