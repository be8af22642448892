summary-title = สรุป
summary-title-room = สรุป · { $room }
session = ครั้งที่ { $number }
counts = { $messages } ข้อความ · { $people } คน
date = { $day } { $month ->
    [1] ม.ค.
    [2] ก.พ.
    [3] มี.ค.
    [4] เม.ย.
    [5] พ.ค.
    [6] มิ.ย.
    [7] ก.ค.
    [8] ส.ค.
    [9] ก.ย.
    [10] ต.ค.
    [11] พ.ย.
   *[12] ธ.ค.
}
date-year = { date } { $year }
actions = สิ่งที่ต้องทำ
decisions = ข้อสรุปที่ตกลงกัน
questions = คำถามที่ยังค้างอยู่
more = … และอีก { $count } รายการ
written-by-builtin = เขียนโดยระบบสรุปในตัวของ Matome
written-by = เขียนโดย { $writer }
rate = สรุปนี้มีประโยชน์ไหม
rate-label = { $stars } ดาว
rate-said = ให้ { $stars } จาก 5 ดาว
details-label = รายละเอียด
details-said = ขอดูรายละเอียด
details-title = รายละเอียดของสรุปครั้งที่ { $number }
details-none = ไม่มีรายละเอียดเพิ่มเติมสำหรับสรุปนี้
ready = สรุปการสนทนาพร้อมแล้ว
ready-room = สรุปของ “{ $room }” พร้อมแล้ว
ready-label = ดูสรุป
ready-said = ขอดูสรุป
thanks = ขอบคุณ! { $stars ->
    [1] เราจะปรับปรุงให้ดีขึ้น
    [2] เราจะปรับปรุงให้ดีขึ้น
   *[other] คะแนนของคุณช่วยเราได้มาก
}
nothing = ยังไม่มีเนื้อหาให้สรุป
summarize-label = สรุปเลย
summarize-said = สรุปเลย
welcome-user = สวัสดี! เราช่วยสรุปการสนทนาให้คุณ พิมพ์ “สรุป” ได้ทุกเมื่อที่ต้องการ
welcome-group = สวัสดีทุกคน! เราช่วยสรุปสิ่งที่คุยกันที่นี่ พิมพ์ “สรุป” ได้ทุกเมื่อที่ต้องการ
