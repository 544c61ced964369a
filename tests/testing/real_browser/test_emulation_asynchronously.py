"""The same with Playwright's asynchronous API (its synchronous one cannot run in the same module)."""

from playwright.async_api import async_playwright

from tfjsd.testing import assert_models_equal, assert_quota_exceeded, make_artifacts, simulate_browser
from tfjsd.testing.playwright import capture, emulate, seed

PUT = """async (bytes) => {
    const db = await new Promise((resolve, reject) => {
        const open = indexedDB.open("d", 1);
        open.onupgradeneeded = () => open.result.createObjectStore("s");
        open.onsuccess = () => resolve(open.result);
        open.onerror = () => reject(open.error);
    });
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 65536) crypto.getRandomValues(data.subarray(i, i + 65536));
    const tx = db.transaction("s", "readwrite");
    tx.objectStore("s").put(data, "k");
    const outcome = await new Promise((resolve) => {
        tx.oncomplete = () => resolve("complete");
        tx.onabort = () => resolve(tx.error.name);
    });
    db.close();
    return outcome;
}"""


async def test_the_asynchronous_api(launching, site):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launching)
        context = await browser.new_context()
        await emulate(context, "safari", indexeddb_quota=1 << 20)
        page = await context.new_page()
        await page.goto(f"{site}/tfjs")
        await page.evaluate("localStorage.setItem('k', '\\u4e2d'.repeat(2621439))")
        assert await page.evaluate(PUT, 2 << 20) == "QuotaExceededError"
        with assert_quota_exceeded():
            await page.evaluate("localStorage.setItem('k', '\\u4e2d'.repeat(2621440))")
        await browser.close()


async def test_models_go_both_ways(launching, site):
    artifacts = make_artifacts(weight_bytes=40_000, layers=2)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launching)
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"{site}/tfjs")
        with simulate_browser(origin=site) as simulated:
            await simulated.aio.save("indexeddb://m", artifacts)
            simulated.local_storage()["k"] = "\ud800"
            await seed(page, simulated)
        names = "async () => (await tf.loadLayersModel('indexeddb://m')).layers.map((layer) => layer.name)"
        assert await page.evaluate(names) == ["d1", "d2"]
        with await capture(context, site, "firefox") as captured:
            assert captured.name == "firefox"
            assert_models_equal(await captured.aio.load("indexeddb://m"), artifacts)
            assert captured.local_storage()["k"] == "\ud800"
        await browser.close()
